#!/usr/bin/env node
/** The built `mandat` command; in a checkout main.ts is. */
import { loaderOf } from './launch.ts';

loaderOf(import.meta.dirname).load('program.js');
