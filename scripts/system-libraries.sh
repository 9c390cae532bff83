#!/usr/bin/env bash
# Installs the libraries that Qt and OpenCV load and that no Python package brings, on Debian and Ubuntu, as root or
# with sudo; elsewhere prints in one line what is missing. "run" is what the app needs, "test" adds what the tests use.
set -euo pipefail

# library file -> Debian package
run=(
    libEGL.so.1=libegl1 libGL.so.1=libgl1 libOpenGL.so.0=libopengl0 libglib-2.0.so.0=libglib2.0-0
    libxkbcommon-x11.so.0=libxkbcommon-x11-0 libxcb-cursor.so.0=libxcb-cursor0
    libxcb-icccm.so.4=libxcb-icccm4 libxcb-image.so.0=libxcb-image0 libxcb-keysyms.so.1=libxcb-keysyms1
    libxcb-randr.so.0=libxcb-randr0 libxcb-render-util.so.0=libxcb-render-util0
    libxcb-shape.so.0=libxcb-shape0 libxcb-xinerama.so.0=libxcb-xinerama0 libxcb-xkb.so.1=libxcb-xkb1
    libdbus-1.so.3=libdbus-1-3 libfontconfig.so.1=libfontconfig1
)
# program -> Debian package
tools=(Xvfb=xvfb xdotool=xdotool ffprobe=ffmpeg ps=procps)

[ "$(uname -s)" = Linux ] || exit 0

missing=()
known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
for entry in "${run[@]}"; do
    case "$known" in *"${entry%%=*} "*) ;; *) missing+=("${entry#*=}") ;; esac
done
# Text needs a font; any will do.
if ! find /usr/share/fonts "${HOME:-/nonexistent}/.local/share/fonts" -name '*.[to]tf' -print -quit 2>/dev/null | grep -q .; then
    missing+=(fonts-dejavu-core)
fi
# Debian's Python comes without the modules that create a virtual environment.
if [ ! -x .venv/bin/python ] && ! "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=(python3-venv)
fi
if [ "${1:-run}" = test ]; then
    for entry in "${tools[@]}"; do
        command -v "${entry%%=*}" >/dev/null 2>&1 || missing+=("${entry#*=}")
    done
fi
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo=(sudo -n); else sudo=(false); fi
fi
if ! command -v apt-get >/dev/null 2>&1 || [ "${sudo[*]}" = false ]; then
    echo "setup: please install these missing system libraries (Debian's names): ${missing[*]}" >&2
    exit 0
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install() { "${sudo[@]}" apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null; }
install 2>/dev/null || { "${sudo[@]}" apt-get update --quiet=2 && install; } ||
    echo "setup: could not install ${missing[*]}; please install them by hand" >&2
