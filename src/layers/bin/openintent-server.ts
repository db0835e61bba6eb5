#!/usr/bin/env node
import { main } from "../cli/main.ts"
import { openintentServer } from "../cli/serve.ts"

main(openintentServer)
