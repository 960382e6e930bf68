"""What the dashboards count: a file a number, all of them in `table`."""
