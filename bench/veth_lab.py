# SPDX-License-Identifier: BSD-2-Clause
"""A veth pair in two namespaces of their own, with load on one end and a program on the other.

    lt-bench-load: load0  ------------------------------  port0 :lt-bench-port
    xdp_load sends, what returns is dropped               the program under measurement

Frames are counted by the kernel where it can, and all programs by the same counter."""
import contextlib
import json
import os
import subprocess
import time

LOAD, PORT = "lt-bench-load", "lt-bench-port"
AUTOGROUP = -19  # niceness of the whole session against others of this machine


def shell(*words, check=True):
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def inside(namespace, *words):
    """The words of a command that runs `words` in the namespace, with its own /sys."""
    return ["ip", "netns", "exec", namespace, *words]


def pinned(core, *words):
    return ["taskset", "-c", str(core), *words]


def come_first():
    """Before what else runs on the machine, where the kernel groups by session."""
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
        group.write(str(AUTOGROUP))


def napi_threads(interface):
    """Process ids of the kernel threads that poll the interface."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                if comm.read().startswith(f"napi/{interface}-"):
                    yield int(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass


class Lab:
    """Use it in a `with`: everything vanishes at its end."""

    def __init__(self, tools, load_core=0, port_core=1):
        self.tools = tools  # where xdp_load and xdp_kernel were built
        self.load_core, self.port_core = load_core, port_core
        self.sink = None

    def __enter__(self):
        self.remove()
        try:
            for namespace in (LOAD, PORT):
                shell("ip", "netns", "add", namespace)
                shell(*inside(namespace, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"))
            shell("ip", "-n", LOAD, "link", "add", "load0", "numrxqueues", "1", "numtxqueues", "1",
                  "type", "veth", "peer", "name", "port0", "netns", PORT,
                  "numrxqueues", "1", "numtxqueues", "1")
            shell("ip", "-n", LOAD, "link", "set", "load0", "up")
            shell("ip", "-n", PORT, "link", "set", "port0", "up")
            # Live frames reach a veth only while its peer has NAPI: with native XDP or with GRO.
            shell(*inside(PORT, "ethtool", "-K", "port0", "gro", "on"))
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.set_sink(False)
        self.remove()

    @staticmethod
    def remove():
        for namespace in (LOAD, PORT):
            shell("ip", "netns", "del", namespace, check=False)

    def set_sink(self, wanted):
        """What returns is dropped by the stack, which knows nothing of its EtherType; frames of
        XDP_TX, which are no skbs, are only taken by an end that has a native XDP program itself."""
        if wanted and not self.sink:
            self.sink = Kernel(self, LOAD, "load0", "drop", "native")
        elif self.sink and not wanted:
            self.sink.stop()
            self.sink = None

    def set_port_napi(self, same_core, defer):
        """Where the port receives, in the kernel: on the core of the load (veth's way), or in a
        thread on the core of the program. `defer` leaves the polling to the program."""
        shell(*inside(PORT, "sh", "-c",
                      f"cd /sys/class/net/port0 && echo {int(same_core)} >threaded && "
                      f"echo {2 if defer else 0} >napi_defer_hard_irqs && "
                      f"echo {200000 if defer else 0} >gro_flush_timeout"))

    def pin_port_napi(self):
        """The thread shares the program's core evenly."""
        for pid in napi_threads("port0"):
            os.sched_setaffinity(pid, {self.port_core})
            os.setpriority(os.PRIO_PROCESS, pid, AUTOGROUP)

    @staticmethod
    def link(namespace, interface):
        return json.loads(shell("ip", "-n", namespace, "-j", "-s", "link", "show", interface))[0]

    def port_xdp_mode(self):
        xdp = self.link(PORT, "port0").get("xdp", {})
        return {1: "native", 2: "generic"}.get(xdp.get("mode"))

    def clear_port(self):
        """Takes off what a program left behind."""
        for mode in ("xdpdrv", "xdpgeneric"):
            shell("ip", "-n", PORT, "link", "set", "port0", mode, "off", check=False)

    def received(self, namespace, interface):
        return self.link(namespace, interface)["stats64"]["rx"]["packets"]

    def load(self, frame_bytes, seconds, *flows):
        """`flows`: how many, and how often there is a new one, as xdp_load takes it."""
        shell(*inside(LOAD, *pinned(self.load_core, f"{self.tools}/xdp_load", "load0",
                                    str(frame_bytes), str(seconds), *map(str, flows))))

    def during(self, frame_bytes, seconds, loaded, count):
        """By how much `count` grows in so many seconds, with load or without."""
        before, start = count(), time.monotonic()
        if loaded:
            self.load(frame_bytes, seconds)
            time.sleep(0.02)  # what lies in rings
            return (count() - before) / seconds
        time.sleep(seconds)
        grown = count() - before
        return grown / (time.monotonic() - start)


class Program:
    """A process that says when it is ready, and ends when its input does."""

    def __init__(self, words, ready, environment=None):
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})})
        self.read_until(ready)

    def read_until(self, mark, timeout=10):
        os.set_blocking(self.process.stdout.fileno(), False)
        text, deadline = b"", time.monotonic() + timeout
        while mark.encode() not in text:
            piece = self.process.stdout.read()
            text += piece or b""
            if self.process.poll() is not None and not piece:
                raise RuntimeError(f"{self.process.args}: ended:\n{text.decode()[-2000:]}")
            if time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"{self.process.args}: no '{mark}':\n{text.decode()[-2000:]}")
            if not piece:
                time.sleep(0.005)
        return text.decode()

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def stop(self):
        """Ends it and returns the rest of what it said."""
        self.process.stdin.close()
        os.set_blocking(self.process.stdout.fileno(), True)
        rest = self.process.stdout.read().decode()
        if self.process.wait(timeout=10) != 0:
            raise RuntimeError(f"{self.process.args}: failed:\n{rest[-2000:]}")
        return rest


class Kernel(Program):
    """XDP_DROP or XDP_TX, the bound."""

    def __init__(self, lab, namespace, interface, action, mode):
        super().__init__(
            inside(namespace, f"{lab.tools}/xdp_kernel", interface, action, mode), "ready")
