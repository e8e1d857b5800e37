package main

import (
	"bufio"
	"encoding/json"
	"os"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

type In struct {
	Fn, Kind                              string
	Original, Modified, Current, Live, Patch json.RawMessage
}

func typ(k string) interface{} {
	switch k {
	case "Deployment":
		return appsv1.Deployment{}
	case "StatefulSet":
		return appsv1.StatefulSet{}
	case "DaemonSet":
		return appsv1.DaemonSet{}
	case "Service":
		return corev1.Service{}
	case "ConfigMap":
		return corev1.ConfigMap{}
	case "Pod":
		return corev1.Pod{}
	case "NetworkPolicy":
		return netv1.NetworkPolicy{}
	case "PodDisruptionBudget":
		return policyv1.PodDisruptionBudget{}
	}
	panic(k)
}

func run(in In) (out []byte, err error) {
	switch in.Fn {
	case "apply":
		return strategicpatch.StrategicMergePatch(in.Live, in.Patch, typ(in.Kind))
	case "two":
		return strategicpatch.CreateTwoWayMergePatch(in.Original, in.Modified, typ(in.Kind))
	case "three":
		s, _ := strategicpatch.NewPatchMetaFromStruct(typ(in.Kind))
		return strategicpatch.CreateThreeWayMergePatch(in.Original, in.Modified, in.Current, s, true)
	case "threejson":
		return jsonmergepatch.CreateThreeWayJSONMergePatch(in.Original, in.Modified, in.Current)
	case "merge":
		return jsonpatch.MergePatch(in.Live, in.Patch)
	case "json":
		p, err := jsonpatch.DecodePatch(in.Patch)
		if err != nil {
			return nil, err
		}
		return p.Apply(in.Live)
	}
	panic(in.Fn)
}

func main() {
	r := bufio.NewReaderSize(os.Stdin, 1<<20)
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		var in In
		if err := json.Unmarshal(line, &in); err != nil {
			panic(err)
		}
		func() {
			defer func() {
				if e := recover(); e != nil {
					w.WriteString("{\"panic\":true}\n")
				}
			}()
			out, err := run(in)
			if err != nil {
				b, _ := json.Marshal(map[string]string{"error": err.Error()})
				w.Write(b)
			} else {
				w.WriteString("{\"ok\":")
				w.Write(out)
				w.WriteString("}")
			}
			w.WriteString("\n")
		}()
	}
}
