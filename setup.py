"""Puts templates/ into the wheel, which pyproject.toml alone cannot say beside a package search."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["tg", "tg.*"]), "tg._templates"],
    package_dir={"tg._templates": "templates"},
    package_data={"tg": ["py.typed"], "tg._templates": ["**/*"]},
)
