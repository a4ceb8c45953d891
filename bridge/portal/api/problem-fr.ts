/** Problems for whoever reads French: what the pages call them, and what the API alone has. */
import { NOT_HIS_TO_END } from '../../../acl/actor.ts';
import { unbroken } from '../../shared/french-blanks.ts';
import { sentenceOf, wordsIn } from '../pages/words/words.ts';
import { GIVEN_TWICE, NO_CURSOR, NO_TIME, ODD_CHARACTER } from './errors.ts';
import type { Told } from './problem.ts';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Requête incorrecte',
  401: 'Non authentifié',
  403: 'Interdit',
  404: 'Introuvable',
  405: 'Méthode non autorisée',
  409: 'Conflit',
  412: 'Condition non remplie',
  413: 'Contenu trop long',
  414: 'Adresse trop longue',
  415: 'Format non pris en charge',
  421: 'Requête mal dirigée',
  422: 'Contenu refusé',
  429: 'Trop de requêtes',
  500: 'Erreur interne',
  503: 'Service indisponible',
};

/** By code; each code of the API's own has one. */
export const DETAILS_FR: Readonly<Record<string, string>> = {
  BAD_CURSOR: 'Ce curseur n’est pas celui qu’une page a indiqué.',
  BAD_KEY: 'Une clé Idempotency-Key a de 1 à 255 caractères visibles.',
  BAD_QUESTION: 'La requête n’est pas telle que la décrit openapi.json.',
  CHANGED_MEANWHILE: 'Ce n’est plus dans l’état où vous l’avez vu : regardez à nouveau.',
  KEY_USED: 'Cette clé Idempotency-Key a déjà servi à une autre requête.',
  NOT_JSON: 'Envoyez du JSON (application/json), en UTF-8, chaque nom une seule fois.',
  NO_SUCH_METHOD: 'Cette méthode n’existe pas à cette adresse.',
  NO_SUCH_PLACE: 'Il n’y a rien à cette adresse : voyez openapi.json.',
  ON_WHOSE_BEHALF: 'Un service indique pour qui il demande (On-Behalf-Of), et lui seul.',
  OTHER_HOST: 'Cette adresse est celle d’un autre hôte.',
  SERVICE_ACTION: 'Ce service n’a pas été autorisé à demander cela.',
  TOO_LARGE: 'Ce qui a été envoyé est trop long.',
  TOO_LONG: 'Cette adresse est trop longue.',
  TOO_OFTEN: 'Trop de requêtes : réessayez plus tard.',
  WHICH_DELEGATE: 'Un administrateur indique de qui il s’agit.',
  WHO_ACTS: 'as est l’un de owner, delegate, admin.',
};

/** What is wrong at one place of a question, where zod has no words for it. */
const ERRORS_FR: Readonly<Record<string, string>> = {
  [GIVEN_TWICE]: 'indiqué plusieurs fois',
  [NO_CURSOR]: 'ce n’est pas un curseur',
  [NO_TIME]: 'ni une date (2026-12-31), ni une heure avec son fuseau (2026-12-31T18:00+01:00)',
  [ODD_CHARACTER]: 'il y a un caractère qui coupe les lignes ou retourne le texte',
};

/** The sentence of the pages, and before it whom the English one names. */
export function inFrench({ problem, failure, fault, about }: Told): Told['problem'] {
  const { code } = problem;
  const own = DETAILS_FR[code];
  const his = problem.detail?.startsWith(NOT_HIS_TO_END.fr) === true;
  const sentence = own ?? sentenceOf(wordsIn('fr'), { code: failure, rule: code, fault });
  const detail = his ? NOT_HIS_TO_END.fr : about === undefined ? sentence : `${about} : ${sentence}`;
  const errors = problem.errors?.map(({ at, message }) => ({ at, message: ERRORS_FR[message] ?? message }));
  return {
    ...problem,
    title: TITLES[problem.status] ?? problem.title,
    detail: unbroken(detail),
    ...(errors && { errors }),
  };
}
