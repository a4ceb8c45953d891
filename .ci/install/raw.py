"""Raw sessions: raw.py CHECK..., each a check by its name; exits with 1 and says what was seen when one does not hold."""
import base64, re, socket, sys, time


class Lines:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.file = self.socket.makefile("rb")

    def line(self):
        return self.file.readline().decode("utf-8", "replace").rstrip("\r\n")

    def send(self, text):
        self.socket.sendall(text.encode() + b"\r\n")


def imap(name, *commands):
    it = Lines(143)
    it.line()
    seen = []
    for command in (f"LOGIN {name}@example.org pw-{name}",) + commands:
        it.send("a " + command)
        while True:
            line = it.line()
            seen.append(line)
            if line.startswith("a ") or line == "":
                break
    return "\n".join(seen)


def smtp(port, sender, to, login=None, subject="hello"):
    it = Lines(port)

    def answer():
        while True:
            line = it.line()
            if line[3:4] != "-":
                return line

    answer()
    it.send("EHLO client")
    answer()
    if login:
        it.send("AUTH PLAIN " + base64.b64encode(f"\0{login}@example.org\0pw-{login}".encode()).decode())
        if not answer().startswith("235"):
            return "no login"
    for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"):
        it.send(command)
        said = answer()
        if said[0] not in "23":
            return said
    it.send(f"From: <{sender}>\r\nSubject: {subject}\r\n\r\nhello\r\n.")
    return answer()


def until(what, condition):
    limit = time.time() + 20
    while not condition():
        if time.time() > limit:
            sys.exit(f"not within 20 s: {what}")
        time.sleep(0.2)


def holds(what, seen, pattern):
    if not re.search(pattern, seen, re.S):
        sys.exit(f"{what}: {seen}")
    print(f"  seen: {what}")


def mail_flows():
    holds("mail from outside is taken", smtp(25, "patient@example.com", "alice@example.org", subject="outside"), "^250")
    for name in ("alice", "bob"):
        holds(f"{name} sends", smtp(587, f"{name}@example.org", "alice@example.org", name), "^250")
    until("it arrives", lambda: "outside" in imap("alice", "SELECT INBOX", "FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))


def folder_made():
    made = imap("alice", "CREATE Projets", "CREATE Projets.2026", 'LIST "" *')
    holds("alice has folders, named with a dot", made, r"Projets\.2026")


def delegate_reads():
    seen = imap("bob", 'LIST "" *', 'SELECT "shared/alice@example.org"', "FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
    holds("bob lists and reads alice's mailbox", seen, r"shared/alice@example\.org/Projets/2026.*FETCH.*Subject")
    holds("bob sends for alice", smtp(587, "alice@example.org", "bob@example.org", "bob"), "^250")
    holds("bob sends for nobody else", smtp(587, "carol@example.org", "bob@example.org", "bob"), "^553")


def nothing_shared():
    seen = imap("bob", 'LIST "" *', 'SELECT "shared/alice@example.org"')
    holds("bob sees nothing of alice's", "no" if "alice@example.org/" in seen or "a OK [READ" in seen else "yes", "yes")


def login_works():
    for name in ("alice", "bob"):
        holds(f"{name} logs in and lists", imap(name, 'LIST "" *'), "INBOX.*a OK")


for check in sys.argv[1:]:
    globals()[check]()
