# SPDX-License-Identifier: Apache-2.0
"""A network of the tests' own, where the system allows that: with a loopback and nothing else, so that whatever listens on this machine (a Datadog
agent on 8126, say) meets no test, and no test meets it. Imported before any thread is started."""
import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def _unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _leave():
    """As root, or in a user namespace where this user is who he was."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _unshare(CLONE_NEWNET)
        return
    _unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def enter():
    """False, with everything as it was: the system does not allow it, or the tests that were asked for need the world."""
    if any("test_live" in argument for argument in sys.argv) or os.environ.get("DDGATE_TEST_NETWORK") == "host":
        return False
    pid = os.fork()  # whether it works is tried by a child: half of it would be worse than nothing
    if pid == 0:
        try:
            _leave()
            _raise_loopback()
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        return False
    _leave()
    _raise_loopback()
    return True
