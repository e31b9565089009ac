"""Backup and restore: database and files of a whole site, while it serves."""
