// go-git takes its steps against the gate.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

func report(step string, act func() error) {
	words := ""
	if err := act(); err != nil {
		words = err.Error()
	}
	line, _ := json.Marshal(map[string]any{"step": step, "ok": words == "", "words": words})
	fmt.Println(string(line))
}

func main() {
	folder, url, unknown, wrong, own := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	one := filepath.Join(folder, "one")
	ada := &object.Signature{Name: "Ada", Email: "ada@example.com", When: time.Now()}
	var first, second *git.Repository
	push := func(refspec string) error {
		said := &strings.Builder{}
		err := first.Push(&git.PushOptions{RefSpecs: []config.RefSpec{config.RefSpec(refspec)}, Progress: said})
		if err != nil {
			return fmt.Errorf("%w %s", err, said.String())
		}
		return nil
	}
	list := func(url string) error {
		remote := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{url}})
		_, err := remote.List(&git.ListOptions{})
		return err
	}
	report("clone", func() (err error) {
		if first, err = git.PlainClone(one, false, &git.CloneOptions{URL: url}); err != nil {
			return err
		}
		second, err = git.PlainClone(filepath.Join(folder, "two"), false, &git.CloneOptions{URL: url})
		return err
	})
	report("push", func() error {
		tree, err := first.Worktree()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(one, "one.txt"), []byte("one"), 0o644); err != nil {
			return err
		}
		if _, err := tree.Add("one.txt"); err != nil {
			return err
		}
		if _, err := tree.Commit("one.txt", &git.CommitOptions{Author: ada}); err != nil {
			return err
		}
		return push("refs/heads/main:refs/heads/" + own + "/one")
	})
	report("fetch", func() error { return second.Fetch(&git.FetchOptions{}) })
	report("tag", func() error {
		head, err := first.Head()
		if err != nil {
			return err
		}
		if _, err := first.CreateTag(own+"-v1", head.Hash(), &git.CreateTagOptions{Tagger: ada, Message: "A tag"}); err != nil {
			return err
		}
		return push("refs/tags/" + own + "-v1:refs/tags/" + own + "-v1")
	})
	report("delete", func() error { return push(":refs/heads/" + own + "/one") })
	report("refused", func() error { return push("refs/heads/main:refs/heads/main") })
	report("unknown", func() error { return list(unknown) })
	report("wrong token", func() error { return list(wrong) })
}
