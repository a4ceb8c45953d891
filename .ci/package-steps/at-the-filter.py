"""Connects to the submission filter's socket again and again, as Postfix does, until the file STOP is there: each must be taken and greeted,
or be told to try again (4xx), however long it waits. Prints how many were, and the longest wait; exits with 1 when one was refused."""
import os, socket, sys, time

path, stop = sys.argv[1:]
greeted, longest, refused = 0, 0.0, []
while not os.path.exists(stop):
    began = time.time()
    try:
        with socket.socket(socket.AF_UNIX) as it:
            it.settimeout(100)
            it.connect(path)
            it.sendall(b"EHLO client\r\nQUIT\r\n")
            said = it.recv(4096)
            greeted += said[:1] in (b"2", b"4")
            if said[:1] not in (b"2", b"4"):
                refused.append(f"said {said[:60]!r}")
    except OSError as error:
        refused.append(str(error))
    longest = max(longest, time.time() - began)
    time.sleep(0.05)
print(f"  seen: {greeted} connections to the filter were answered, after {longest:.1f} s at most, {len(refused)} refused")
sys.exit(f"refused: {refused[:3]}" if refused or greeted == 0 else 0)
