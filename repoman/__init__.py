"""Repoman: a virtual machine image repository for people who hold x509 certificates."""
