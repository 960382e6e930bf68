"""The trail: who did what, when, why and because of what; append-only, hash-chained."""
