// Peer: the library that Centrifugo is made of, with its memory engine, history and positions: `centrifuge <port>`.
// Built by bench/centrifuge.ts with the sources of Debian's package golang-github-centrifugal-centrifuge-dev.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/centrifugal/centrifuge"
)

// As long as a run needs, as for Centrifugo itself.
const (
	historySize = 10_000
	historyTTL  = 5 * time.Minute
)

func main() {
	node, err := centrifuge.New(centrifuge.DefaultConfig)
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: "anyone"}}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) { listen(node, client) })
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	everyone := func(*http.Request) bool { return true }
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{CheckOrigin: everyone}))
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready http://" + listener.Addr().String())
	log.Fatal(http.Serve(listener, nil))
}

func listen(node *centrifuge.Node, client *centrifuge.Client) {
	client.OnSubscribe(func(_ centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
		reply(centrifuge.SubscribeReply{Options: centrifuge.SubscribeOptions{Position: true, Recover: true}}, nil)
	})
	client.OnPublish(func(event centrifuge.PublishEvent, reply centrifuge.PublishCallback) {
		result, err := node.Publish(event.Channel, event.Data, centrifuge.WithHistory(historySize, historyTTL))
		reply(centrifuge.PublishReply{Result: &result}, err)
	})
}
