/** Many open streams, read as cheaply as it goes: frames are counted, not parsed. */
import { connect, type Socket } from "node:net"

const mark = Buffer.from("\nevent: comment\n")

export class Subscribers {
  readonly #sockets: Array<Socket> = []
  #received = 0
  #wanted = Number.POSITIVE_INFINITY
  #resolve: (() => void) | undefined

  /** Opens so many streams, one path after the other, and resolves when each has been answered. */
  async open(port: number, count: number, pathOf: (n: number) => string): Promise<void> {
    for (let opened = 0; opened < count; opened += 100) {
      const some = Array.from({ length: Math.min(100, count - opened) }, (_, i) => this.#open(port, pathOf(opened + i)))
      await Promise.all(some)
    }
  }

  /** Resolves when so many more frames of events have come. */
  receive(count: number): Promise<void> {
    this.#received = 0
    this.#wanted = count
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #open(port: number, path: string): Promise<void> {
    const socket = connect({ port, host: "127.0.0.1" })
    this.#sockets.push(socket)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-API-Key: dev-user-key\r\n\r\n`)
    return new Promise((resolve, reject) => {
      socket.once("data", (head: Buffer) => {
        if (!head.toString("latin1", 0, 12).startsWith("HTTP/1.1 200")) return reject(new Error(String(head)))
        resolve()
        this.#count(head, Buffer.alloc(0))
        let tail = head.subarray(-mark.length + 1)
        socket.on("data", (chunk: Buffer) => {
          this.#count(chunk, tail)
          tail = chunk.subarray(-mark.length + 1)
        })
      })
      socket.once("error", reject)
    })
  }

  /** `tail`: how the chunk before ended, with which this one may share a mark. */
  #count(chunk: Buffer, tail: Buffer): void {
    if (tail.length > 0 && Buffer.concat([tail, chunk.subarray(0, mark.length - 1)]).includes(mark)) this.#received++
    for (let at = chunk.indexOf(mark); at >= 0; at = chunk.indexOf(mark, at + mark.length)) this.#received++
    if (this.#received < this.#wanted) return
    this.#wanted = Number.POSITIVE_INFINITY
    this.#resolve?.()
  }
}
