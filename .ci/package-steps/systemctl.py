#!/usr/bin/python3
"""What the package's scripts and `mandat setup` ask of systemctl, in a root where no systemd runs: one process a unit, started as the unit
says by its own user. Every call is noted in /root/systemctl.log."""
import os, re, signal, subprocess, sys, time

words = [word for word in sys.argv[1:] if not word.startswith("-")]
now = "--now" in sys.argv
verb, units = (words or [""])[0], [re.sub(r"\.service$", "", unit) for unit in words[1:]]
with open("/root/systemctl.log", "a") as log:
    print(*sys.argv[1:], file=log)


def text(unit):
    for place in ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"):
        if os.path.exists(f"{place}/{unit}.service"):
            return open(f"{place}/{unit}.service").read()
    sys.exit(f"no unit {unit}")


def setting(unit, key):
    found = re.findall(rf"^{key}=(.*)$", text(unit), re.M)
    return found[-1] if found else None


def pid(unit):
    try:
        number = int(open(f"/run/{unit}.test-pid").read())
        # A zombie is nobody.
        return number if open(f"/proc/{number}/stat").read().rsplit(")", 1)[1].split()[0] != "Z" else None
    except (OSError, ValueError):
        return None


def start(unit):
    if pid(unit):
        return
    needed = setting(unit, "ConditionPathExists")
    if needed and not os.path.exists(needed):
        print(f"{unit}: its condition {needed} does not hold", file=sys.stderr)
        return
    log = open(f"/root/{unit}.log", "ab")
    at = log.tell()
    started = subprocess.Popen(["setsid", "runuser", "-u", setting(unit, "User"), "--", *setting(unit, "ExecStart").split()],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
    # The process itself, and not runuser, which waits for it.
    limit = time.time() + 60
    while time.time() < limit and started.poll() is None:
        said = open(f"/root/{unit}.log", "rb").read()[at:]
        if b'"watching"' in said or unit != "mandat":
            break
        time.sleep(0.1)
    else:
        sys.exit(f"{unit} did not come up: {open(f'/root/{unit}.log').read()[at:]}")
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(started.pid)], capture_output=True, text=True).stdout.split()
    open(f"/run/{unit}.test-pid", "w").write(children[0] if children else str(started.pid))


def stop(unit):
    number = pid(unit)
    if number:
        os.kill(number, signal.SIGTERM)
    limit = time.time() + 40
    while pid(unit):
        if time.time() > limit:
            sys.exit(f"{unit} did not end")
        time.sleep(0.05)


def link(unit):
    return f"/etc/systemd/system/multi-user.target.wants/{unit}.service"


if verb in ("start", "stop", "restart"):
    for unit in units:
        if verb != "start":
            stop(unit)
        if verb != "stop":
            start(unit)
elif verb == "enable":
    for unit in units:
        os.makedirs(os.path.dirname(link(unit)), exist_ok=True)
        if not os.path.islink(link(unit)):
            os.symlink(f"/usr/lib/systemd/system/{unit}.service", link(unit))
        if now:
            start(unit)
elif verb == "is-enabled":
    print("enabled" if os.path.islink(link(units[0])) else "disabled")
elif verb == "preset":  # of files alone: the real one can
    os.execv("/usr/bin/systemctl.distrib", ["systemctl", *sys.argv[1:]])
elif verb == "is-active":
    sys.exit(0 if all(pid(unit) for unit in units) else 3)
elif verb != "daemon-reload":
    sys.exit(f"systemctl of the test does not know {verb}")
