#!/usr/bin/env node
import { main, openintent } from "../cli/main.ts"

main(openintent)
