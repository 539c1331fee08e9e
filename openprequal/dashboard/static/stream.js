// How does what happens get here? By fetch, because an EventSource cannot send a token.

const SILENT_MS = 6000; // there is something every second
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

export class Stream {
  #ended = null;
  #waitMs = FIRST_WAIT_MS;
  #timer = 0;

  /** told: {event(name, data), state(name, why)}; headers: called for each attempt. */
  constructor(url, headers, told) {
    this.url = url;
    this.headers = headers;
    this.told = told;
  }

  /** Begin, or begin anew at once. */
  start() {
    this.stop();
    const ended = (this.#ended = new AbortController());
    this.#follow(ended.signal).catch((error) => {
      if (!ended.signal.aborted) this.#again(error.message);
    });
  }

  stop() {
    clearTimeout(this.#timer);
    this.#ended?.abort();
    this.#ended = null;
  }

  #again(why) {
    this.told.state("lost", why);
    this.#timer = setTimeout(() => this.start(), this.#waitMs);
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
  }

  async #follow(signal) {
    const response = await fetch(this.url, { headers: this.headers(), cache: "no-store", signal });
    if (response.status === 403) {
      this.told.state("refused", (await response.json()).detail);
      return;
    }
    if (!response.ok) throw new Error(`the gateway answers ${response.status}`);
    this.#waitMs = FIRST_WAIT_MS;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await this.#inTime(reader);
      if (done) throw new Error("the gateway ended the stream");
      const events = (text + value).split("\n\n");
      text = events.pop();
      for (const event of events) this.#tell(event);
    }
  }

  /** A connection that has died is silent, and nothing else. */
  async #inTime(reader) {
    let timer = 0;
    const silence = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("nothing is heard of the gateway")), SILENT_MS);
    });
    try {
      return await Promise.race([reader.read(), silence]);
    } finally {
      clearTimeout(timer);
    }
  }

  #tell(event) {
    const lines = Object.fromEntries(event.split("\n").map((line) => line.split(/: (.*)/s)));
    if (lines.event) this.told.event(lines.event, JSON.parse(lines.data));
  }
}
