"""The rules. Services take a session and plain values, and know nothing of HTTP."""
