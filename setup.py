"""Hand over to setup.cfg, where all metadata stands."""

from setuptools import setup

setup()
