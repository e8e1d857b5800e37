// Command gotypes prints, for every type that a Kubernetes version's API is made of, what Go's own encoder and decoder
// go by and OpenAPI does not say: the order of the fields, which of them are pointers, which are left out when zero, and
// their protobuf numbers. One JSON object a line, sorted by OpenAPI name. make.sh joins it with the server's OpenAPI.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

type field struct {
	Name     string `json:"n"`
	GoName   string `json:"g"`
	Type     any    `json:"t"`
	GoType   string `json:"gt,omitempty"` // v1.PullPolicy: a type with a name of its own, as Go's errors print it
	Pointer  bool   `json:"p,omitempty"`
	Omit     string `json:"o,omitempty"` // "empty" or "zero"
	Inline   bool   `json:"i,omitempty"`
	Number   string `json:"pb,omitempty"`
	Strategy string `json:"ps,omitempty"`
	MergeKey string `json:"pk,omitempty"`
}

type definition struct {
	Name   string  `json:"name"`
	Go     string  `json:"go"`
	Fields []field `json:"fields"`
}

// scalars are the types with a JSON form of their own.
var scalars = map[string]string{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":       "quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":     "intstr",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":           "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":      "microtime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":       "duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":       "any",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":        "any",
	"k8s.io/apimachinery/pkg/runtime.Unknown":             "any",
}

var seen = map[reflect.Type]definition{}

func openAPIName(t reflect.Type) string {
	path := t.PkgPath()
	host, rest, _ := strings.Cut(path, "/")
	parts := strings.Split(host, ".")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, ".") + "." + strings.ReplaceAll(rest, "/", ".") + "." + t.Name()
}

func typeOf(t reflect.Type) any {
	if name, ok := scalars[t.PkgPath()+"."+t.Name()]; ok {
		return name
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeOf(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return map[string]any{"list": typeOf(t.Elem()), "ptr": t.Elem().Kind() == reflect.Pointer}
	case reflect.Map:
		return map[string]any{"map": typeOf(t.Elem())}
	case reflect.Struct:
		if strings.Contains(t.PkgPath(), "apiextensions") && (strings.HasPrefix(t.Name(), "JSON") && t.Name() != "JSONSchemaProps") {
			return "any"
		}
		visit(t)
		return map[string]any{"ref": openAPIName(t)}
	case reflect.Interface:
		return "any"
	}
	return t.Kind().String()
}

func visit(t reflect.Type) {
	if _, ok := seen[t]; ok {
		return
	}
	d := definition{Name: openAPIName(t), Go: t.Name()}
	seen[t] = d
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("json")
		if !f.IsExported() || !ok && !f.Anonymous {
			continue
		}
		parts := strings.Split(tag, ",")
		if parts[0] == "-" {
			continue
		}
		out := field{Name: parts[0], GoName: f.Name, Pointer: f.Type.Kind() == reflect.Pointer, Strategy: f.Tag.Get("patchStrategy"), MergeKey: f.Tag.Get("patchMergeKey")}
		for _, option := range parts[1:] {
			switch option {
			case "omitempty":
				if out.Omit == "" {
					out.Omit = "empty"
				}
			case "omitzero":
				out.Omit = "zero"
			}
		}
		out.Inline = f.Anonymous && parts[0] == ""
		out.Number = strings.Join(firstTwo(f.Tag.Get("protobuf")), ",")
		out.Type = typeOf(f.Type)
		if t := target(f.Type); hasOwnName(t) {
			out.GoType = t.String()
		}
		d.Fields = append(d.Fields, out)
	}
	seen[t] = d
}

func target(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// hasOwnName tells types whose name follows from nothing else in this data: `type PullPolicy string`.
func hasOwnName(t reflect.Type) bool {
	switch t = target(t); {
	case t.Kind() == reflect.Struct:
		return false
	case t.PkgPath() != "":
		return true
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
		return hasOwnName(t.Elem())
	}
	return false
}

func firstTwo(tag string) []string {
	parts := strings.Split(tag, ",")
	if len(parts) < 2 {
		return nil
	}
	return parts[:2]
}

func main() {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	for _, t := range s.AllKnownTypes() {
		if t.Kind() == reflect.Struct {
			typeOf(t)
		}
	}
	var all []definition
	for _, d := range seen {
		all = append(all, d)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for _, d := range all {
		line, err := json.Marshal(d)
		if err != nil {
			panic(err)
		}
		w.Write(append(line, '\n'))
	}
}
