"""A git client in Python takes its steps against the gate: dulwich, GitPython or pygit2 (libgit2)."""

import io
import json
import os
import sys


def report(step, act):
    try:
        act()
        print(json.dumps({"step": step, "ok": True, "words": ""}), flush=True)
    except Exception as error:  # The words that a user of this library reads.
        words = " ".join(str(part) for part in (error, getattr(error, "stderr", "")) if part)
        print(json.dumps({"step": step, "ok": False, "words": words}), flush=True)


class Dulwich:
    def __init__(self, folder):
        from dulwich import porcelain

        self.porcelain, self.folder = porcelain, folder

    def clone(self, url, name):
        return self.porcelain.clone(url, os.path.join(self.folder, name), errstream=io.BytesIO())

    def commit(self, repo, name):
        with open(os.path.join(repo.path, name), "w") as file:
            file.write(name)
        self.porcelain.add(repo, [os.path.join(repo.path, name)])
        who = b"Ada <ada@example.com>"
        self.porcelain.commit(repo, message=name.encode(), author=who, committer=who)

    def tag(self, repo, name):
        self.porcelain.tag_create(repo, name.encode(), author=b"Ada <ada@example.com>", message=b"A tag", annotated=True)

    def push(self, repo, refspec):
        said = io.BytesIO()
        result = self.porcelain.push(repo, "origin", [refspec.encode()], outstream=said, errstream=said)
        refused = [why for why in (getattr(result, "ref_status", None) or {}).values() if why]
        if refused:
            raise RuntimeError(f"{refused[0]} {said.getvalue().decode()}")

    def fetch(self, repo):
        self.porcelain.fetch(repo, "origin", errstream=io.BytesIO())

    def list(self, url):
        self.porcelain.ls_remote(url)


class GitPython:
    def __init__(self, folder):
        import git

        self.git, self.folder = git, folder

    def clone(self, url, name):
        repo = self.git.Repo.clone_from(url, os.path.join(self.folder, name))
        with repo.config_writer() as config:
            config.set_value("user", "name", "Ada").set_value("user", "email", "ada@example.com")
        return repo

    def commit(self, repo, name):
        with open(os.path.join(repo.working_dir, name), "w") as file:
            file.write(name)
        repo.index.add([name])
        repo.index.commit(name)

    def tag(self, repo, name):
        repo.create_tag(name, message="A tag")

    def push(self, repo, refspec):
        result = repo.remote().push(refspec)
        refused = [info.summary for info in result if info.flags & info.ERROR]
        if refused:
            raise RuntimeError(refused[0])
        result.raise_if_error()

    def fetch(self, repo):
        repo.remote().fetch()

    def list(self, url):
        self.git.cmd.Git().ls_remote(url)


class Pygit2:
    def __init__(self, folder):
        import pygit2

        self.pygit2, self.folder = pygit2, folder

    def callbacks(self):
        pygit2 = self.pygit2

        class Callbacks(pygit2.RemoteCallbacks):
            refused = None

            def push_update_reference(self, refname, message):
                self.refused = message or self.refused

        return Callbacks()

    def clone(self, url, name):
        return self.pygit2.clone_repository(url, os.path.join(self.folder, name))

    def commit(self, repo, name):
        with open(os.path.join(repo.workdir, name), "w") as file:
            file.write(name)
        repo.index.add(name)
        repo.index.write()
        who = self.pygit2.Signature("Ada", "ada@example.com")
        repo.create_commit("HEAD", who, who, name, repo.index.write_tree(), [repo.head.target])

    def tag(self, repo, name):
        who = self.pygit2.Signature("Ada", "ada@example.com")
        repo.create_tag(name, repo.head.target, self.pygit2.enums.ObjectType.COMMIT, who, "A tag")

    def push(self, repo, refspec):
        told = self.callbacks()
        repo.remotes["origin"].push([refspec.replace("HEAD:", f"{repo.head.name}:")], callbacks=told)
        if told.refused:
            raise RuntimeError(told.refused)

    def fetch(self, repo):
        repo.remotes["origin"].fetch()

    def list(self, url):
        self.pygit2.init_repository(os.path.join(self.folder, "list"), True).remotes.create_anonymous(url).list_heads()


def main():
    name, folder, url, unknown, wrong, own = sys.argv[1:]
    client = {"dulwich": Dulwich, "GitPython": GitPython, "pygit2": Pygit2}[name](folder)
    repos = {}

    def clone():
        repos["one"], repos["two"] = client.clone(url, "one"), client.clone(url, "two")

    def push():
        client.commit(repos["one"], "one.txt")
        client.push(repos["one"], f"HEAD:refs/heads/{own}/one")

    def tag():
        client.tag(repos["one"], f"{own}-v1")
        client.push(repos["one"], f"refs/tags/{own}-v1:refs/tags/{own}-v1")

    report("clone", clone)
    report("push", push)
    report("fetch", lambda: client.fetch(repos["two"]))
    report("tag", tag)
    report("delete", lambda: client.push(repos["one"], f":refs/heads/{own}/one"))
    report("refused", lambda: client.push(repos["one"], "HEAD:refs/heads/main"))
    report("unknown", lambda: client.list(unknown))
    report("wrong token", lambda: client.list(wrong))


main()
