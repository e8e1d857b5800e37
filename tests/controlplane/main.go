// Command controlplane is etcd, kube-apiserver, kube-controller-manager and kube-scheduler of a released Kubernetes in one
// binary, with a stand-in for the kubelets (kubelet.go); the first argument says which. It exists so that tests can be judged
// by the real thing.
package main

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: controlplane etcd DIR CLIENT_PORT PEER_PORT | kube-apiserver … | kube-controller-manager … | kube-scheduler … | kubelet KUBECONFIG START STOP run|end")
		os.Exit(2)
	}
	component := os.Args[1]
	os.Args = append([]string{component}, os.Args[2:]...)
	switch component {
	case "etcd":
		os.Exit(etcd(os.Args[1:]))
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(manager.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kubelet":
		os.Exit(kubelet(os.Args[1:]))
	default:
		fmt.Fprintln(os.Stderr, "controlplane: no component", component)
		os.Exit(2)
	}
}

// etcd serves one member from dir on two loopback ports until it is told to stop. It does not sync to disk: tests only.
func etcd(arguments []string) int {
	if len(arguments) != 3 {
		fmt.Fprintln(os.Stderr, "usage: controlplane etcd DIR CLIENT_PORT PEER_PORT")
		return 2
	}
	dir, clientPort, peerPort := arguments[0], arguments[1], arguments[2]
	local := func(port string) []url.URL { return []url.URL{{Scheme: "http", Host: "127.0.0.1:" + port}} }
	cfg := embed.NewConfig()
	cfg.Dir, cfg.UnsafeNoFsync, cfg.LogLevel = dir, true, "error"
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = local(clientPort), local(clientPort)
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = local(peerPort), local(peerPort)
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, "controlplane: etcd:", err)
		return 1
	}
	<-server.Server.ReadyNotify()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	server.Close()
	return 0
}
