#!/bin/sh
# machine.sh PACKAGES LOGS PROGRAM…: a small Debian machine that ends with this process. In namespaces of its own (mounts, processes, network) the unpacked
# packages lie over /usr, /etc and /var, LOGS is /var/log, and each program of programs.sh is run, side by side. Nothing of it is written anywhere else.
# SPDX-License-Identifier: Apache-2.0
set -eu
packages=$1 logs=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)

mount -t tmpfs tmpfs /run
mkdir -p /run/over/etc /run/over/var /run/over/work.etc /run/over/work.var
mount -t overlay -o "lowerdir=$packages/usr:/usr" overlay /usr
for d in etc var; do
  mount -t overlay -o "lowerdir=$packages/$d:/$d,upperdir=/run/over/$d,workdir=/run/over/work.$d" overlay "/$d"
done
mkdir -p /var/log
mount --bind "$logs" /var/log
mount -t proc proc /proc
mkdir -p /run/dev/shm /run/dev/pts # a /dev of its own: the machine's /dev/log is none of ours
chmod 1777 /run/dev/shm
for n in null zero full random urandom tty; do
  : > "/run/dev/$n"
  mount --bind "/dev/$n" "/run/dev/$n"
done
ln -s /proc/self/fd /run/dev/fd
mount --rbind /run/dev /dev
ip link set lo up
exec bash "$here/programs.sh" "$@"
