"""Candidates that do what an item names: answer, fail, print, die or hang in their process."""

from __future__ import annotations

from textwrap import dedent

_ACTIONS = """
    import asyncio, atexit, ctypes, os, random, signal, subprocess, sys, time
    from pathlib import Path
    from scoregate.records import Tokens
    from scoregate.runner.candidates import Answer, TransientError

    version = "agent-3"
    calls = []
    atexit.register(Path(__file__).with_name("ended").write_text, "by itself")

    def shape(item):
        return [item.id, item["input"], item.expected_output, item.metadata]

    def noise(item):
        print("junk on stdout")
        os.write(1, b"more junk")
        subprocess.run(["echo", "and a child's"])
        sys.stderr.write("x" * 1_000_000)
        return Answer("quiet", 0.5, Tokens(1, 2), "t-1")

    def fails(item): raise ValueError("no such order")
    def busy(item): raise TransientError("too many", retry_after=3, rate_limited=True)
    def exits(item): sys.exit(3)
    def ends(item): os._exit(0)
    def dies(item): os.kill(os.getpid(), signal.SIGKILL)
    def crashes(item):
        os.write(2, b"about to crash")
        ctypes.string_at(0)
    def dies_with_a_fork_left(item):
        if os.fork() == 0: time.sleep(60)
        os._exit(5)
    def returns_no_json(item): return {"rows": object()}
    def stdin(item): return sys.stdin.read()
    def pid(item): return os.getpid()
    def pids(item):
        time.sleep(0.2)  # so that others are asked meanwhile
        return [os.getppid(), os.getpid()]
    def chance(item):
        time.sleep(0.2)
        return random.random()
    def kills_the_server(item):
        os.kill(os.getppid(), signal.SIGKILL)
        return "alive"
    def where(item): return [os.getcwd(), sys.argv[0], sys.path[0]]
    def count(item):
        calls.append(item.id)
        return len(calls)
    def large(item): return "ü" * 3_000_000
    def hang(item):
        child = subprocess.Popen(["sleep", "60"])
        Path("pids").write_text(f"{os.getpid()} {child.pid}")
        while True: time.sleep(1)
"""
SYNC = dedent(_ACTIONS) + "def task(*, item, **kwargs): return globals()[item.input](item)\n"
ASYNC = (
    dedent(_ACTIONS)
    + """
async def task(*, item, **kwargs):
    await asyncio.sleep(0)
    return globals()[item.input](item)
"""
)
