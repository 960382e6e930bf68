"""What is assembled from every floor: founding rows, the demo, the one command, the tables."""
