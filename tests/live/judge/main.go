// Command judge lets others' own readers judge what rollcast renders: Prometheus' of rules (expressions, templates, names), and
// compose's of a compose file (its schema, its interpolation, its references). Prints what they refuse; exits 1 if there is any.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/prometheus/prometheus/model/rulefmt"
	"gopkg.in/yaml.v3"
)

func main() {
	if len(os.Args) < 3 || (os.Args[1] != "rules" && os.Args[1] != "compose") {
		fmt.Fprintln(os.Stderr, "usage: judge rules|compose FILE…")
		os.Exit(2)
	}
	code := 0
	for _, file := range os.Args[2:] {
		content, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		var count int
		noun, wrong := os.Args[1], []error(nil)
		if os.Args[1] == "rules" {
			count, wrong = rules(content)
		} else {
			count, wrong = compose(file, content)
			noun = "services"
		}
		for _, one := range wrong {
			fmt.Printf("%s: %v\n", file, one)
			code = 1
		}
		fmt.Printf("%s: %d %s\n", file, count, noun)
	}
	os.Exit(code)
}

// rules reads a rules file, or the PrometheusRules among manifests, and gives how many rules there are.
func rules(content []byte) (int, []error) {
	count, all := 0, []error(nil)
	for decoder := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var document map[string]any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return count, all
		} else if err != nil {
			return count, append(all, err)
		}
		if document["kind"] == "PrometheusRule" {
			document, _ = document["spec"].(map[string]any)
		} else if document["groups"] == nil {
			continue
		}
		text, err := yaml.Marshal(document)
		if err != nil {
			return count, append(all, err)
		}
		groups, wrong := rulefmt.Parse(text, false)
		all = append(all, wrong...)
		if groups != nil {
			for _, group := range groups.Groups {
				count += len(group.Rules)
			}
		}
	}
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)`)

// compose reads a compose file with every variable set that it names, and gives how many services there are.
func compose(file string, content []byte) (int, []error) {
	details := types.ConfigDetails{WorkingDir: ".", ConfigFiles: []types.ConfigFile{{Filename: file, Content: content}}, Environment: types.Mapping{}}
	for _, match := range variable.FindAllSubmatch(content, -1) {
		details.Environment[string(match[1])] = "a value"
	}
	project, err := loader.LoadWithContext(context.Background(), details)
	if err != nil {
		return 0, []error{err}
	}
	return len(project.Services), nil
}
