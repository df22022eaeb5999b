// SPDX-License-Identifier: Apache-2.0
// Validates YAML files against schemas.
//
//   node validate.mjs NODE_MODULES < lines of {"schema": FILE, "file": FILE}
//
// One line out for each line in: {"file", "errors": [TEXT]}. A schema is compiled once, in strict
// mode but for what the draft allows and strict mode doesn't.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.argv[2] + '/');
const Ajv = require('ajv/dist/2020.js').default;
const YAML = require('yaml');

const compiled = new Map();

function validator(file) {
	if (!compiled.has(file)) {
		const ajv = new Ajv({ allErrors: false, strict: true, strictTypes: false,
				      strictRequired: false, allowUnionTypes: true });
		compiled.set(file, ajv.compile(JSON.parse(readFileSync(file, 'utf8'))));
	}
	return compiled.get(file);
}

for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
	const { schema, file } = JSON.parse(line);
	const validate = validator(schema);
	let errors;
	try {
		const value = YAML.parse(readFileSync(file, 'utf8'), { version: '1.2', schema: 'core' });
		errors = validate(value) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.message}`);
	} catch (e) {
		errors = [String(e)];
	}
	console.log(JSON.stringify({ file, errors }));
}
