package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// node is the one node that every pod is bound to.
const node = "node-a"

// pods does for the pods of a cluster what a scheduler and a kubelet would: binds each to the node, says that it is Ready after
// start, and removes it stop after it was deleted. It runs nothing. If jobs end, the pod of a
// Job has succeeded a second after it was Ready.
type pods struct {
	client      kubernetes.Interface
	start, stop time.Duration
	jobsEnd     bool
	lock        sync.Mutex
	begun       map[string]bool // what was begun for a pod: "bind UID", "ready UID", "remove UID"
}

// kubelet serves until it is killed.
func kubelet(arguments []string) int {
	if len(arguments) != 4 {
		fmt.Fprintln(os.Stderr, "usage: controlplane kubelet KUBECONFIG START STOP run|end    (durations: 3s, 250ms; what Jobs do)")
		return 2
	}
	p := &pods{jobsEnd: arguments[3] == "end", begun: map[string]bool{}}
	var err error
	if p.start, err = time.ParseDuration(arguments[1]); err == nil {
		p.stop, err = time.ParseDuration(arguments[2])
	}
	if err == nil {
		err = p.serve(arguments[0])
	}
	fmt.Fprintln(os.Stderr, "controlplane: kubelet:", err)
	return 1
}

func (p *pods) serve(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.UserAgent = -1, "kubelet"
	if p.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if err = p.join(); err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(p.client, 0)
	_, err = factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { p.see(o.(*core.Pod)) },
		UpdateFunc: func(_, o any) { p.see(o.(*core.Pod)) },
	})
	if err != nil {
		return err
	}
	factory.Start(nil)
	select {}
}

// join makes the node, ready and without the taint that admission gives to a new one.
func (p *pods) join() error {
	room := core.ResourceList{"cpu": resource.MustParse("1k"), "memory": resource.MustParse("4Ti"), "pods": resource.MustParse("5k")}
	n := &core.Node{ObjectMeta: meta.ObjectMeta{Name: node, Labels: map[string]string{"kubernetes.io/hostname": node}}}
	if _, err := p.client.CoreV1().Nodes().Create(context.Background(), n, meta.CreateOptions{}); err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	if err := p.patchNode(map[string]any{"spec": map[string]any{"taints": nil}}); err != nil {
		return err
	}
	ready := core.NodeCondition{Type: core.NodeReady, Status: core.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: meta.Now(), LastTransitionTime: meta.Now()}
	status := core.NodeStatus{Capacity: room, Allocatable: room, Conditions: []core.NodeCondition{ready}}
	return p.patchNode(map[string]any{"status": status}, "status")
}

func (p *pods) patchNode(patch any, subresources ...string) error {
	body, err := json.Marshal(patch)
	if err == nil {
		_, err = p.client.CoreV1().Nodes().Patch(context.Background(), node, types.MergePatchType, body, meta.PatchOptions{}, subresources...)
	}
	return err
}

// see does what is next for a pod.
func (p *pods) see(pod *core.Pod) {
	switch {
	case pod.DeletionTimestamp != nil:
		p.once("remove", pod, p.stop, p.remove)
	case pod.Spec.NodeName == "":
		p.once("bind", pod, 0, p.bind)
	case pod.Status.PodIP == "":
		p.once("ready", pod, p.start, p.ready)
	case p.jobsEnd && pod.Status.Phase == core.PodRunning && ofJob(pod):
		// Long enough for a client to see it run: helm waits for a Job that a TTL of zero deletes at its end.
		p.once("succeed", pod, time.Second, p.succeed)
	}
}

// once does something for a pod after a while, if it was not begun before.
func (p *pods) once(what string, pod *core.Pod, after time.Duration, do func(*core.Pod) error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	key := what + " " + string(pod.UID)
	if p.begun[key] {
		return
	}
	p.begun[key] = true
	go func() {
		time.Sleep(after)
		// A pod that is gone or was deleted meanwhile needs nothing more.
		if err := do(pod); err != nil && !errors.IsNotFound(err) && !errors.IsConflict(err) {
			fmt.Fprintf(os.Stderr, "%s %s/%s: %v\n", what, pod.Namespace, pod.Name, err)
		}
	}()
}

func (p *pods) bind(pod *core.Pod) error {
	binding := &core.Binding{ObjectMeta: meta.ObjectMeta{Name: pod.Name, UID: pod.UID}, Target: core.ObjectReference{Kind: "Node", Name: node}}
	return p.client.CoreV1().Pods(pod.Namespace).Bind(context.Background(), binding, meta.CreateOptions{})
}

func (p *pods) ready(pod *core.Pod) error {
	now, yes := meta.Now(), true
	status := core.PodStatus{Phase: core.PodRunning, PodIP: "10.0.0.1", PodIPs: []core.PodIP{{IP: "10.0.0.1"}}, HostIP: "10.0.0.2", StartTime: &now}
	for _, condition := range []core.PodConditionType{core.PodInitialized, core.ContainersReady, core.PodReady} {
		status.Conditions = append(status.Conditions, core.PodCondition{Type: condition, Status: core.ConditionTrue, LastTransitionTime: now})
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, core.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: &yes, State: core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: now}},
		})
	}
	return p.patchStatus(pod, status)
}

func (p *pods) patchStatus(pod *core.Pod, status core.PodStatus) error {
	// The UID makes the patch fail where a new pod of the same name has come meanwhile.
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": status})
	if err == nil {
		_, err = p.client.CoreV1().Pods(pod.Namespace).Patch(context.Background(), pod.Name, types.StrategicMergePatchType, body, meta.PatchOptions{}, "status")
	}
	return err
}

func ofJob(pod *core.Pod) bool {
	owner := meta.GetControllerOf(pod)
	return owner != nil && owner.Kind == "Job"
}

func (p *pods) succeed(pod *core.Pod) error {
	now, no := meta.Now(), false
	status := core.PodStatus{Phase: core.PodSucceeded}
	for _, condition := range []core.PodConditionType{core.ContainersReady, core.PodReady} {
		status.Conditions = append(status.Conditions, core.PodCondition{Type: condition, Status: core.ConditionFalse, Reason: "PodCompleted", LastTransitionTime: now})
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, core.ContainerStatus{
			Name: c.Name, Image: c.Image, Started: &no, State: core.ContainerState{Terminated: &core.ContainerStateTerminated{Reason: "Completed", FinishedAt: now}},
		})
	}
	return p.patchStatus(pod, status)
}

func (p *pods) remove(pod *core.Pod) error {
	now := int64(0)
	return p.client.CoreV1().Pods(pod.Namespace).Delete(context.Background(), pod.Name, meta.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &meta.Preconditions{UID: &pod.UID}})
}
