/** What a client does after a WebSocket has closed, by the code (`docs/protocol.md`). */
export function afterClose(code: number): "reconnect" | "refresh" | "stop" {
  if (code === 3501) return "refresh";
  return code >= 3500 && code < 4000 ? "stop" : "reconnect";
}
