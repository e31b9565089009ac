"""Tests in Chromium, with a person's certificate, against a real server.

`tests.browser.conftest` has the fixtures; what looks at a page is in `looks`, `axe`, `keyboard`.
"""
