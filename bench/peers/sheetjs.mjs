// A workbook to rows of cells with SheetJS.
import { readFileSync } from 'node:fs';
import XLSX from 'xlsx';

const file = readFileSync(process.argv[2]);
const started = performance.now();
const book = XLSX.read(file, { dense: true });
const rows = XLSX.utils.sheet_to_json(book.Sheets[book.SheetNames[0]], { header: 1 }).length;
console.log(JSON.stringify({ rows, seconds: (performance.now() - started) / 1000 }));
