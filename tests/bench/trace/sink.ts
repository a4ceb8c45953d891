/** The floor of an endpoint for events, as a process: reads each request whole and answers it; keeps nothing, understands nothing. */
import http from 'node:http';

const [port = ''] = process.argv.slice(2);
const server = http.createServer({ noDelay: true, keepAliveTimeout: 600_000 }, (request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-length': 0 }).end());
});
server.listen({ host: '127.0.0.1', port: Number(port) });
process.once('SIGTERM', () => process.exit());
