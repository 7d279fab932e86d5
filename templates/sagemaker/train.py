"""Runs the training that this image was built for."""

from ${module}.tg.common.delivery.runtime.main import main

main("${module}")
