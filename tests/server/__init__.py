"""The embedded HTTPS server and what starts it, as real processes spoken to by real clients."""
