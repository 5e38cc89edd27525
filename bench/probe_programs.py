# SPDX-License-Identifier: BSD-2-Clause
"""What bench/probe runs: leat probe and the programs it is compared with, each a process whose CPU
time, wall time and memory are taken from the kernel; collectors; captures."""
import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from veth_lab import Program, pinned, shell

PAGES = "/proc/sys/vm/nr_hugepages"

Cost = collections.namedtuple("Cost", "cpu wall memory output")  # seconds, bytes


class TooSlow(Exception):
    """A program that was given up."""


def run(words, timeout, environment=None):
    """Runs a program to its end: what it and those that it waited for cost."""
    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, process_group=0,
                                   env={**os.environ, **(environment or {})})
        pid = 0
        while pid == 0:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid == 0 and time.monotonic() - start > timeout:
                os.killpg(process.pid, signal.SIGKILL)
                os.wait4(process.pid, 0)
                process.returncode = -signal.SIGKILL
                raise TooSlow(words[0])
            time.sleep(0.002)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit code {process.returncode}:\n{text[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, text)


class HugePages:
    """So many of 2 MiB at least, as long as the `with` lasts."""

    def __init__(self, pages):
        self.pages, self.before = pages, None

    def __enter__(self):
        with open(PAGES, encoding="ascii") as file:
            self.before = int(file.read())
        if self.before < self.pages:
            self.write(self.pages)
        with open(PAGES, encoding="ascii") as file:
            return int(file.read())

    def __exit__(self, *_):
        self.write(self.before)

    @staticmethod
    def write(pages):
        try:
            with open(PAGES, "w", encoding="ascii") as file:
                file.write(str(pages))
        except OSError:
            pass  # no root: then on ordinary pages, which the caller says


class Collector(Program):
    """ipfix_count, in this namespace or in another."""

    def __init__(self, tools, core, inside=()):
        super().__init__([*inside, *pinned(core, f"{tools}/ipfix_count")], "\n")

    def read_until(self, mark, timeout=10):
        text = super().read_until(mark, timeout)
        self.address = "127.0.0.1:" + re.search(r"port (\d+)", text).group(1)
        return text

    def stop(self):
        words = super().stop().split()
        return dict(zip(words[::2], map(int, words[1::2])))


class Capture:
    """A preamble that fills the cache and what is to be measured, in memory; or all in one file."""

    def __init__(self, tools, directory, flows, new_percent, frame_bytes, packets, whole=False):
        self.packets = packets
        self.fill = None if whole else directory / "fill.pcap"
        self.path = directory / ("whole.pcap" if whole else "packets.pcap")
        words = shell(f"{tools}/flow_capture", "--flows", str(flows), "--new", str(new_percent),
                      "--bytes", str(frame_bytes), "--packets", str(packets),
                      *([] if whole else ["--fill", str(self.fill)]), "--to", str(self.path))
        said = dict(zip(words.split()[::2], words.split()[1::2]))
        self.active, self.idle = float(said["active"]), float(said["idle"])
        self.room = int(said["room"])
        if whole:
            record = 16 + frame_bytes
            self.packets = (self.path.stat().st_size - 24) // record

    def remove(self):
        for path in filter(None, (self.fill, self.path)):
            path.unlink(missing_ok=True)


class LeatProbe:
    """leat probe, its worker on a core of its own, exporting IPFIX over UDP to a collector."""

    def __init__(self, leat, worker_core, other_core):
        self.leat, self.worker_core, self.other_core = leat, worker_core, other_core

    def words(self, ports, report, collector, *options):
        return pinned(self.other_core, self.leat, "probe", *map(str, ports), "--cores",
                      str(self.worker_core), "--to", f"ipfix://{collector.address}", "--mtu",
                      "1500", "--json", str(report), "--interval", "0", *options)

    def meter(self, tools, capture, timeout=120):
        """Cost, report and what the collector got."""
        collector = Collector(tools, self.other_core)
        files = [file for file in (capture.fill, capture.path) if file]
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            cost = run(self.words(files, report.name, collector, "--flows", str(capture.room),
                                  "--active", str(capture.active), "--idle", str(capture.idle)),
                       timeout)
            return cost, json.loads(pathlib.Path(report.name).read_text()), collector.stop()


class Softflowd:
    """Exports IPFIX to the same collector. Without -c none it waits for ever."""
    name = "softflowd"

    @staticmethod
    def meter(tools, capture, directory, timeout):
        collector = Collector(tools, 0)
        try:
            cost = run(["softflowd", "-d", "-r", str(capture.path), "-c", "none", "-p",
                        str(directory / "softflowd.pid"), "-m", str(capture.room), "-v", "10",
                        "-n", collector.address, "-t", f"udp={whole_seconds(capture.idle)}",
                        "-t", f"maxlife={whole_seconds(capture.active)}"], timeout)
        finally:
            counts = collector.stop()
        return cost, counts["records"]


class Nfpcapd:
    """Writes nfdump's own files, into memory."""
    name = "nfpcapd"

    @staticmethod
    def meter(_tools, capture, directory, timeout):
        files = directory / "nfpcapd"
        files.mkdir()
        try:
            cost = run(["nfpcapd", "-r", str(capture.path), "-w", str(files), "-B",
                        str(capture.room), "-e",
                        f"{whole_seconds(capture.active)},{whole_seconds(capture.idle)}"], timeout)
        finally:
            for file in files.iterdir():
                file.unlink()
            files.rmdir()
        return cost, int(re.search(r"Flows: (\d+)", cost.output).group(1))


class Pmacctd:
    """Its NetFlow probe (nfprobe), IPFIX to the same collector."""
    name = "pmacctd"

    @staticmethod
    def meter(tools, capture, directory, timeout):
        collector = Collector(tools, 0)
        config = directory / "pmacctd.conf"
        config.write_text("\n".join((
            "daemonize: false", f"pcap_savefile: {capture.path}",
            "aggregate: src_host, dst_host, src_port, dst_port, proto", "plugins: nfprobe",
            f"nfprobe_receiver: {collector.address}", "nfprobe_version: 10",
            f"nfprobe_maxflows: {capture.room}",
            f"nfprobe_timeouts: udp={whole_seconds(capture.idle)}:"
            f"maxlife={whole_seconds(capture.active)}",
            "plugin_pipe_size: 256000000", "plugin_buffer_size: 256000", "")), encoding="ascii")
        try:
            cost = run(["pmacctd", "-f", str(config)], timeout)
        finally:
            counts = collector.stop()
            config.unlink()
        return cost, counts["records"]


PEERS = (Softflowd, Nfpcapd, Pmacctd)


def whole_seconds(seconds):
    """Peers know no fractions: the next larger number, as far as they take it."""
    return min(max(1, int(-(-seconds // 1))), 3600)


class Softnic:
    """leat softnic with its generator on a socket; ends by SIGINT."""

    def __init__(self, leat, core, socket, frame_bytes, flows):
        self.socket = pathlib.Path(socket)
        self.process = subprocess.Popen(
            pinned(core, leat, "softnic", f"{socket}=gen,size={frame_bytes},flows={flows},stamp=0"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("leat softnic does not start")
            time.sleep(0.01)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=10)
        self.socket.unlink(missing_ok=True)
