/** What a child that was started with `--inspect` tells of its memory, without the child taking part. */

interface Usage {
  readonly usedSize: number
  readonly embedderHeapUsedSize?: number
  readonly backingStorageSize?: number
}

export class Inspector {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, { resolve: (result: any) => void; reject: (error: Error) => void }>()
  #last = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener("message", ({ data }) => {
      const { error, id, result } = JSON.parse(String(data))
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error.message))
    })
    socket.addEventListener("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the process is gone"))
    })
  }

  /** `stderr` has where it listens. */
  static async connect(stderr: string): Promise<Inspector> {
    const [url = ""] = /ws:\/\/\S+/.exec(stderr) ?? []
    const socket = new WebSocket(url)
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve)
      socket.addEventListener("error", () => reject(new Error(`no inspector at ${url}`)))
    })
    return new Inspector(socket)
  }

  #ask(method: string): Promise<any> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#socket.send(JSON.stringify({ id, method }))
    })
  }

  /** Bytes in use after collecting all that can be. */
  async collectedBytes(): Promise<number> {
    // What the first one finalizes is free after the second.
    await this.#ask("HeapProfiler.collectGarbage")
    await this.#ask("HeapProfiler.collectGarbage")
    const {
      backingStorageSize = 0,
      embedderHeapUsedSize = 0,
      usedSize
    }: Usage = await this.#ask("Runtime.getHeapUsage")
    return usedSize + embedderHeapUsedSize + backingStorageSize
  }

  close(): void {
    this.#socket.close()
  }
}
