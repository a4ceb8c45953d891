/** What is said at the door: to whoever isn't in, or isn't any more. The guide's own words where it has some. */
import { unbrokenWords } from '../shared/french-blanks.ts';
import type { Language } from './context.ts';
import type { Refusal } from './sign-in/person.ts';

export interface Notice {
  readonly title: string;
  readonly text: string;
}

type Door =
  | 'nobody' // signed in at the provider, and neither owner, delegate nor administrator
  | 'signed-out'
  | 'ended' // the session is over
  | 'failed' // the provider's answer is no good: nothing that somebody could mend
  | 'cancelled'
  | 'away' // the provider doesn't answer
  | 'too-often'
  | 'too-large'
  | 'forged' // a form that no page of ours has sent
  | 'old-form' // sent from a page of a session before this one
  | 'not-found'
  | 'trouble'
  | 'refused'
  | 'resume';

export type DoorWord = Door | Refusal;

const CPS =
  "L'utilisation du service nécessite de disposer d'une CPS ou e-CPS afin de s'identifier via Pro Santé Connect. Pour accéder en délégation à une boîte aux lettres, il faut un RPPS valide et actif et une e-CPS sur son téléphone : l'utilisation de la CPE n'est pas possible. Les assistants médicaux et secrétaires médicales peuvent obtenir une identité numérique RPPS depuis le portail RPPS+ (https://esante.gouv.fr/produits-services/portail-rpps-plus).";
const CPS_EN =
  'One signs in here by Pro Santé Connect, with a CPS or an e-CPS. A delegate needs a valid and active RPPS number and an e-CPS on their phone: a CPE does not do. Medical assistants and secretaries get an RPPS identity at the RPPS+ portal (https://esante.gouv.fr/produits-services/portail-rpps-plus).';

const FR: Readonly<Record<DoorWord, Notice>> = {
  nobody: {
    title: 'Aucune boîte aux lettres',
    text: "Vous êtes bien identifié, mais vous n'êtes ni titulaire d'une boîte aux lettres de ce service, ni délégataire. Si un professionnel doit vous donner délégation, le contacter.",
  },
  'signed-out': { title: 'Vous êtes déconnecté', text: 'Votre session est terminée.' },
  ended: { title: 'Session expirée', text: 'Votre session a expiré. Veuillez vous identifier à nouveau.' },
  failed: { title: "L'identification a échoué", text: "Rien n'a été fait. Veuillez recommencer." },
  cancelled: { title: "L'identification a été annulée", text: "Rien n'a été fait." },
  away: {
    title: "Le service d'identification ne répond pas",
    text: "Veuillez réessayer dans un instant. Rien n'a été fait.",
  },
  'too-often': { title: 'Trop de demandes', text: 'Veuillez patienter un instant avant de recommencer.' },
  'too-large': { title: 'Demande trop longue', text: "Ce qui a été envoyé est trop long. Rien n'a été fait." },
  forged: { title: 'Demande refusée', text: "Ce formulaire n'a pas été envoyé depuis ce service. Rien n'a été fait." },
  'old-form': {
    title: 'Formulaire périmé',
    text: "Cette page date d'une session précédente. Rien n'a été fait. Voici ce que vous aviez saisi.",
  },
  'not-found': { title: 'Page introuvable', text: "Cette page n'existe pas, ou n'est pas pour vous." },
  trouble: {
    title: 'Une erreur est survenue',
    text: "Votre demande n'a pas abouti. L'administrateur peut en voir la raison.",
  },
  refused: { title: 'Non autorisé', text: "Vous n'êtes pas autorisé à faire cela. Rien n'a été fait." },
  resume: {
    title: 'Votre session avait expiré',
    text: "Rien n'a encore été fait. Ce que vous aviez saisi est conservé : voulez-vous continuer ?",
  },
  'another-client': {
    title: 'Identification refusée',
    text: 'Cette identification a été faite pour un autre service.',
  },
  acr: {
    title: 'Identification refusée',
    text: "Le niveau d'identification n'est pas suffisant pour ce service. Veuillez vous identifier à nouveau.",
  },
  'no-identifier': { title: 'Identification refusée', text: "Votre identifiant n'a pas été transmis à ce service." },
  'not-rpps': { title: 'Identification refusée', text: CPS },
};

const EN: Readonly<Record<DoorWord, Notice>> = {
  nobody: {
    title: 'No mailbox',
    text: 'You have signed in, but you neither own a mailbox of this service nor are anybody’s delegate. If somebody is to give you access to theirs, contact them.',
  },
  'signed-out': { title: 'You are signed out', text: 'Your session has ended.' },
  ended: { title: 'Session expired', text: 'Your session has run out. Please sign in again.' },
  failed: { title: 'The sign-in has failed', text: 'Nothing was done. Please try again.' },
  cancelled: { title: 'The sign-in was cancelled', text: 'Nothing was done.' },
  away: { title: 'The identity provider does not answer', text: 'Please try again in a moment. Nothing was done.' },
  'too-often': { title: 'Too many requests', text: 'Please wait a moment before you try again.' },
  'too-large': { title: 'Too long', text: 'What was sent is too long. Nothing was done.' },
  forged: { title: 'Refused', text: 'This form was not sent from this service. Nothing was done.' },
  'old-form': {
    title: 'An old form',
    text: 'This page is of an earlier session. Nothing was done. Here is what you had typed.',
  },
  'not-found': { title: 'No such page', text: 'This page does not exist, or is not for you.' },
  trouble: { title: 'Something went wrong', text: 'What you asked for was not done. An administrator can see why.' },
  refused: { title: 'Not allowed', text: 'You may not do this. Nothing was done.' },
  resume: {
    title: 'Your session had run out',
    text: 'Nothing has been done yet. What you had typed is kept: do you want to go on?',
  },
  'another-client': { title: 'Sign-in refused', text: 'This sign-in was made for another service.' },
  acr: {
    title: 'Sign-in refused',
    text: 'You have not signed in strongly enough for this service. Please sign in again.',
  },
  'no-identifier': { title: 'Sign-in refused', text: 'Your identifier was not passed on to this service.' },
  'not-rpps': { title: 'Sign-in refused', text: CPS_EN },
};

const LISTS = { fr: unbrokenWords(FR), en: EN };

export const doorWords = (language: Language, word: DoorWord): Notice => LISTS[language][word];

export const BUTTONS: Readonly<
  Record<Language, { signIn: string; goOn: string; again: string; giveUp: string; site: string }>
> = {
  fr: { signIn: "S'identifier", goOn: 'Continuer', again: 'Réessayer', giveUp: 'Annuler', site: 'Délégations' },
  en: { signIn: 'Sign in', goOn: 'Go on', again: 'Try again', giveUp: 'Cancel', site: 'Delegations' },
};
