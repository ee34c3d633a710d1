// Amazon's registries: keys from the environment, EKS Pod Identity or a role for service accounts
// (IRSA) sign the request for a registry token. docs.aws.amazon.com: ECR GetAuthorizationToken, STS
// AssumeRoleWithWebIdentity, container credential provider.
import { AwsClient } from 'aws4fetch';
import { readNamed } from '../../file.ts';
import { Problem } from '../../problem.ts';
import type { CloudRequest, Granted } from './ask.ts';

const HOST = /^\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?)$/;
/** Pod Identity and ECS answer at these addresses of the node, and nowhere else. */
const LOCAL = /^http:\/\/(169\.254\.170\.(2|23)|\[fd00:ec2::23\]|127\.0\.0\.1|localhost)[:/]/;

type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

export async function amazonToken(host: string, ask: CloudRequest, env: NodeJS.ProcessEnv): Promise<Granted> {
  const [, region, domain] = HOST.exec(host) ?? [];
  if (region === undefined)
    throw new Problem(
      'credentials',
      `${host}: expected a private registry, as 123456789012.dkr.ecr.eu-west-1.amazonaws.com`,
    );
  const client = new AwsClient({ ...(await keysOf(region, domain as string, ask, env)), service: 'ecr', region });
  const url = `https://api.ecr.${region}.${domain}/`;
  const signed = await client.sign(url, {
    method: 'POST',
    body: '{}',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
    },
  });
  const answer = (await ask({ method: 'POST', url, headers: Object.fromEntries(signed.headers), body: '{}' })) as {
    authorizationData?: { authorizationToken?: string; expiresAt?: number }[];
  };
  const [data] = answer.authorizationData ?? [];
  const text = Buffer.from(data?.authorizationToken ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw new Problem('credentials', `ECR of ${region} sent no token`);
  const seconds = data?.expiresAt === undefined ? 3600 : data.expiresAt - Date.now() / 1000;
  return { credential: { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) }, seconds };
}

async function keysOf(region: string, domain: string, ask: CloudRequest, env: NodeJS.ProcessEnv): Promise<Keys> {
  const [id, secret, session] = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].map(
    (name) => env[name],
  );
  if (id !== undefined && secret !== undefined)
    return { accessKeyId: id, secretAccessKey: secret, ...(session !== undefined && { sessionToken: session }) };
  const [role, file, uri] = ['AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'].map(
    (name) => env[name],
  );
  if (role !== undefined && file !== undefined) return assumeRole(role, file, `https://sts.${region}.${domain}/`, ask);
  if (uri !== undefined) return podIdentity(uri, ask, env);
  throw new Problem(
    'credentials',
    'no AWS keys: expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a role for the service account (IRSA), or EKS Pod Identity',
  );
}

async function assumeRole(role: string, file: string, url: string, ask: CloudRequest): Promise<Keys> {
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: 'tagproof',
    WebIdentityToken: readNamed(file).toString('utf8').trim(),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = (await ask({ method: 'POST', url, headers, body: body.toString() })) as {
    AssumeRoleWithWebIdentityResponse?: { AssumeRoleWithWebIdentityResult?: { Credentials?: Record<string, unknown> } };
  };
  const keys = answer.AssumeRoleWithWebIdentityResponse?.AssumeRoleWithWebIdentityResult?.Credentials ?? {};
  return keysFrom(keys['AccessKeyId'], keys['SecretAccessKey'], keys['SessionToken'], `STS for ${role}`);
}

async function podIdentity(uri: string, ask: CloudRequest, env: NodeJS.ProcessEnv): Promise<Keys> {
  if (!LOCAL.test(uri))
    throw new Problem('refused', 'AWS_CONTAINER_CREDENTIALS_FULL_URI leads away from this node; not followed');
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const headers: Record<string, string> =
    file === undefined ? {} : { authorization: readNamed(file).toString('utf8').trim() };
  const answer = (await ask({ method: 'GET', url: uri, headers })) as Record<string, unknown>;
  return keysFrom(answer['AccessKeyId'], answer['SecretAccessKey'], answer['Token'], 'EKS Pod Identity');
}

function keysFrom(id: unknown, secret: unknown, session: unknown, from: string): Keys {
  if (typeof id !== 'string' || typeof secret !== 'string' || typeof session !== 'string')
    throw new Problem('credentials', `${from} sent no keys`);
  return { accessKeyId: id, secretAccessKey: secret, sessionToken: session };
}
