#!/bin/sh
# Installs the Debian packages that the real parts of the tests need, where that is possible.
# Never fails: what is missing in the end is told by the tests (or is an error in CI).
set -u
here=$(dirname "$0")
python=$here/../../.venv/bin/python
[ -x "$python" ] || python=python3

missing() { "$python" "$here/packages.py"; }

packages=$(missing)
if [ -z "$packages" ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "real parts: no apt-get here, install these yourself: $packages"
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "real parts: not root, so not installed: $packages"
  echo "real parts: sudo apt-get install --no-install-recommends $packages"
  exit 0
fi
echo "real parts: installing $packages"
# Services are not started: the tests start what they need by themselves.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo "real parts: apt-get update failed, trying with the old lists"
for package in $packages; do
  apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 ||
    echo "real parts: could not install $package"
done
left=$(missing)
[ -z "$left" ] || echo "real parts: still missing: $left"
exit 0
