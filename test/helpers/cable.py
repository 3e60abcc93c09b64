"""A cable between network namespaces that delays packets and loses some, for kernels without netem.

python3 cable.py NAMESPACE=ADDRESS NAMESPACE=ADDRESS MILLISECONDS SHARE

Prints "ready", and when it is terminated, how many packets it has carried and lost. Needs root and /dev/net/tun.
"""
import collections, fcntl, json, os, random, select, signal, struct, subprocess, sys, time

SET_INTERFACE, TUN_WITHOUT_HEADER = 0x400454CA, 0x1001


def plug(end, name):
    namespace, address = end.split("=")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, SET_INTERFACE, struct.pack("16sH", name.encode(), TUN_WITHOUT_HEADER))
    ip = lambda *words: subprocess.run(["ip", *words], check=True)
    ip("link", "set", name, "netns", namespace)
    ip("-n", namespace, "address", "add", address + "/24", "dev", name)
    ip("-n", namespace, "link", "set", name, "mtu", "1500", "up")
    return tun


def main(first, second, delay, loss):
    ends = [plug(end, f"cable{os.getpid() % 100000}{side}") for side, end in zip("ab", (first, second))]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    waiting, chance, counts = collections.deque(), random.Random(1), {"carried": 0, "lost": 0}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(print(json.dumps(counts), flush=True)))
    print("ready", flush=True)
    while True:
        rest = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for end in select.select(ends, [], [], rest)[0]:
            packet = os.read(end, 65536)
            if chance.random() < loss:
                counts["lost"] += 1
            else:
                waiting.append((time.monotonic() + delay, other[end], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, to, packet = waiting.popleft()
            os.write(to, packet)
            counts["carried"] += 1


main(sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000, float(sys.argv[4]))
