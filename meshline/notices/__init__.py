"""What people are told; who carries it outside lives above."""
