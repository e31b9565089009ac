"""Who holds the certificate that a client presented: names, proxies, and what the server passes."""
