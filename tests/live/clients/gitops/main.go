// Command gitops brings a cluster to the manifests of a file once, with Argo CD's engine, and prints what became of each.
// Objects that an earlier run of it made and the file no longer has are pruned.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/engine"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
)

// mark is on every object that this program made.
const mark = "gitops.example/managed"

// managed is what the cache remembers of an object.
type managed struct{ ours bool }

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: gitops FILE NAMESPACE client|server")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3] == "server"); err != nil {
		fmt.Fprintln(os.Stderr, "gitops:", err)
		os.Exit(1)
	}
}

func run(file, namespace string, serverSide bool) error {
	target, err := manifests(file)
	if err != nil {
		return err
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	remember := func(o *unstructured.Unstructured, _ bool) (any, bool) {
		ours := o.GetAnnotations()[mark] != ""
		return &managed{ours}, ours
	}
	live := cache.NewClusterCache(config, cache.SetLogr(logr.Discard()), cache.SetPopulateResourceInfoHandler(remember))
	syncer := engine.NewEngine(config, live, engine.WithLogr(logr.Discard()))
	stop, err := syncer.Run()
	if err != nil {
		return err
	}
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	ours := func(r *cache.Resource) bool { return r.Info.(*managed).ours }
	results, err := syncer.Sync(ctx, target, ours, "revision", namespace, sync.WithPrune(true), sync.WithLogr(logr.Discard()), sync.WithServerSideApply(serverSide))
	lines := []string{}
	for _, r := range results {
		lines = append(lines, fmt.Sprintf("%s %s: %s", r.ResourceKey.String(), r.Status, r.Message))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
	return err
}

func manifests(file string) ([]*unstructured.Unstructured, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	objects, err := kube.SplitYAML(text)
	for _, o := range objects {
		annotations := o.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[mark] = "yes"
		o.SetAnnotations(annotations)
	}
	return objects, err
}
