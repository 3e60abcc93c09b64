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


def answer_steps(description, train_step, checked_steps):
    """Describes itself with the losses of its first steps; each line on stdin is a number of further ones.

    train_step() returns a loss that is a number once float() has waited for it.
    """
    losses = [float(train_step()) for _ in range(checked_steps)]

    def answer(line):
        before, cpu = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            loss = train_step()
        float(loss)
        return {
            "milliseconds": (time.perf_counter() - before) * 1000,
            "cpuMilliseconds": (time.process_time() - cpu) * 1000,
            "peakMebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }

    answer_lines({"description": description, "losses": losses}, answer)


def answer_batches(compute):
    """Describes itself by its logits; each line on stdin is a number of batches. compute() returns the logits of one."""

    def answer(line):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            compute()
        return {"wall": (time.perf_counter() - wall) * 1000, "cpu": (time.process_time() - cpu) * 1000}

    answer_lines({"logits": [float(value) for value in compute().reshape(-1)]}, answer)
