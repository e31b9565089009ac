"""Repoman under Apache, as `repoman-admin apache-config` sets it up: real curl, real TLS."""
