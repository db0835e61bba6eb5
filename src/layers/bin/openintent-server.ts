#!/usr/bin/env node
import { main, openintentServer } from "../cli.ts"

main(openintentServer)
