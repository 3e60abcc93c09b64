"""How a script here talks to a benchmark: a line of JSON about itself, then one for each line on stdin."""
import json
import resource
import sys
import time


def say(value, to=None):
    print(json.dumps(value), file=to or sys.stdout, flush=True)


def answer_lines(description, answer, to=None):
    say(description, to)
    for line in sys.stdin:
        say(answer(line.strip()), to)


def answer_steps(description, take_steps):
    """Each line on stdin is a number of training steps. take_steps(count) returns once they are all computed."""

    def answer(line):
        before = time.perf_counter()
        take_steps(int(line))
        milliseconds = (time.perf_counter() - before) * 1000
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"milliseconds": milliseconds, "peakMebibytes": peak}

    take_steps(5)
    answer_lines({"description": description}, answer)


def answer_batches(compute):
    """Describes itself by its logits; each line on stdin is a number of batches. compute() returns the logits of one."""

    def answer(line):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            compute()
        return {"wall": (time.perf_counter() - wall) * 1000, "cpu": (time.process_time() - cpu) * 1000}

    answer_lines({"logits": [float(value) for value in compute().reshape(-1)]}, answer)
