// Reads one JSON string a line, answers with what distribution/reference (containerd's CRI, Docker) makes of it:
// "registry/repository|tag|digest", or "-" when it refuses.
package main

import (
	"bufio"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/json"
	"fmt"
	"os"

	"github.com/distribution/reference"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			fmt.Fprintln(out, "?")
			continue
		}
		named, err := reference.ParseNormalizedNamed(text)
		if err != nil {
			fmt.Fprintln(out, "-")
			continue
		}
		tag, digest := "", ""
		if tagged, ok := named.(reference.Tagged); ok {
			tag = tagged.Tag()
		}
		if digested, ok := named.(reference.Digested); ok {
			digest = digested.Digest().String()
		}
		fmt.Fprintf(out, "%s|%s|%s\n", named.Name(), tag, digest)
	}
}
