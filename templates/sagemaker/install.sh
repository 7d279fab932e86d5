# Installs what the lock says into /opt/venv, of the python3 that the base image has. Neither uv,
# which is mounted, nor its cache, nor a secret becomes a part of the image.
set -eu

if [ -f ${secrets}environment ]; then
    . ${secrets}environment
fi
python=$$(command -v python3 || command -v python || true)
if [ -z "$$python" ]; then
    echo "The base image ${base_image} has no python3." >&2
    exit 1
fi
version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$$version" != "${python_version}" ]; then
    echo "The base image ${base_image} has Python $$version, the package needs ${python_version}." >&2
    exit 1
fi

export UV_CACHE_DIR=/run/tg/cache UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
uv=/run/tg/files/uv
"$$uv" venv --quiet --no-project --python "$$python" /opt/venv
"$$uv" pip install --python /opt/venv/bin/python \
    --find-links /run/tg/files/wheels ${options} --requirement /run/tg/files/requirements.txt

# The tests of these libraries are a fifth of their size, and nothing but tests imports them.
for library in numpy pandas pyarrow scipy sklearn; do
    find /opt/venv/lib/python*/site-packages/$$library -depth -type d -name tests \
        -exec rm -rf {} + 2>/dev/null || true
done
# Compiled here once, not at the start of every training. Files that no Python 3 reads are skipped.
/opt/venv/bin/python -m compileall -q -j 0 /opt/venv/lib >/dev/null || true
