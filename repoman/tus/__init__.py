"""tus 1.0, an open protocol for resumable uploads (https://tus.io/protocols/resumable-upload).

The core, and the extensions creation, creation-with-upload, checksum, expiration and termination.
What an upload is, and what is kept of one, is `repoman.services.uploads`.
"""
