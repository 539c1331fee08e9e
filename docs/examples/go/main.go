// A service that knows nothing of load reports: go run main.go PORT
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	port := "5000"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		// Something to wait for, so that there is a latency.
		time.Sleep(5 * time.Millisecond)
		fmt.Fprintf(response, "go %s %s\n", request.Method, request.URL)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
