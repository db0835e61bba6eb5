#!/usr/bin/env node
import { main, openintent } from "../cli.ts"

main(openintent)
