#!/bin/sh
# Runs QEMU so that it cannot outlive the harness, however that ends, and leaves
# nothing behind if the harness had no chance to tidy up.
#
# vmtest starts this in QEMU's place through a link in the run's folder, where
# it finds `owner` (the harness's process id), `program` (the real QEMU) and
# perhaps `exact`. It leaves there `args`, `pid` and `stderr`.
set -u

# vmtest asks this way whether QEMU is installed; the harness has seen to that.
[ "${1-}" = --help ] && exit 0

run=${0%/*}
if [ "${1-}" != --supervise ]; then
    # The signal comes when the thread that started us ends. vmtest's thread
    # waits for QEMU, so that only happens when the whole harness is gone.
    exec setpriv --pdeathsig TERM -- "$0" --supervise "$@"
fi
shift

clean() {
    kill -KILL "$!" 2>/dev/null
    for argument; do
        case $argument in
        socket,path=*.sock,server=*) socket=${argument#socket,path=} ;;
        unix:*.sock,server=*) socket=${argument#unix:} ;;
        *) continue ;;
        esac
        rm -f -- "${socket%%,server=*}"
    done
    rm -rf -- "$run"
    exit 1
}
trap 'clean "$@"' TERM

# It may have died before the kernel knew that we want the signal.
read -r owner <"$run/owner"
[ "$PPID" = "$owner" ] || clean "$@"

# In a machine that counts instructions, whatever comes from the host at its own
# time, or is different in every run, makes every count differ: vmtest's ports,
# its shared folders, and the random name of its init script.
if [ -e "$run/exact" ]; then
    left=$#
    while [ "$left" -gt 0 ]; do
        case $1:${2-} in
        -virtfs:* | -device:virtio-serial | \
            -device:virtserialport,chardev=qga0,* | \
            -device:virtserialport,chardev=cmdout,*)
            shift 2
            left=$((left - 2))
            continue
            ;;
        esac
        argument=$1
        case $argument in
        *" init=/"*) argument="${argument%% init=/*} ${argument#* init=/* }" ;;
        esac
        shift
        left=$((left - 1))
        set -- "$@" "$argument"
    done
fi

printf '%s\n' "$@" >"$run/args"
# If we are killed, so is QEMU.
setpriv --pdeathsig KILL -- "$run/program" "$@" 2>"$run/stderr" &
echo "$!" >"$run/pid"
wait "$!"
